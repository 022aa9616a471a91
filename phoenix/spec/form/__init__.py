"""The form of `phoenix.yaml`: what may stand where. Pydantic lives in here and nowhere else.

Each file has one noun's models; `read` gives the frozen value of the noun, once the whole file has no mistake.
The JSON Schema of `phoenix schema` is made from the same models.
"""
