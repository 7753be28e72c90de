"""What AWS refuses although its model allows it, one module for each AWS service.

`emulator.shapes` has what breaks the model. The tests' fakes and moto both refuse by these.
"""
