"""Runs on the far side: in the zygote and in the program's process.

These modules import the standard library and each other, nothing else of ours, and are loaded by
path into an isolated interpreter. numpy comes from the list of allowed packages.
"""
