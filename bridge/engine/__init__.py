"""The engine: everything that imports torch. A process of its own, spoken to over a pair of pipes.

Importing this package is light; torch comes with the modules that need it.
"""
