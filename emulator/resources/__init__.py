"""Resources of CloudFormation, made by calls of the AWS API: one module for each AWS service.

Each has a table of the resource types that it makes; `table.py` puts them together. A type that is
not in it, and a property that no call takes, are refused.
"""
