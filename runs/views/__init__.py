"""The pages: what a browser asks for by address.

A view decides and the template shows. Every page works without a script; what scripts ask for are parts of it. What is
shown is made elsewhere: the API answers with the same.
"""
