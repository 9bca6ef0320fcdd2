"""A look into the network of a finished run."""

from semisup_jax.experiments.inside.look import look_inside

__all__ = ['look_inside']
