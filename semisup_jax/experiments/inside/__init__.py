"""A look into a network: of a finished run, or a published one."""

from semisup_jax.experiments.inside.look import look_inside

__all__ = ['look_inside']
