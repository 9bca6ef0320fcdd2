"""Rows in; tables, figures, one HTML page out.

`results` and `findings` need neither JAX nor matplotlib; `figures` is the only
place that imports matplotlib, so import it where figures are drawn.
"""
