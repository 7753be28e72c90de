"""What moto 5.2.5 lacks or does otherwise than AWS, one module for each AWS service.

`filled()` of each module patches moto while it is open. Every gap says what AWS does and what moto
does instead, so that it can be offered to moto, and deleted here once a release of moto has it.
"""
