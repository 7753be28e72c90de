"""Fronts: what stands before the two ECS services, made by AWS calls and served by Envoy.

One file per router; `front.py` says what each can do, and `names.py` lists them.
"""
