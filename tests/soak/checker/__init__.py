"""The judge: journal against staging, staging against sales. It shares no code with the product.

It knows the names of tables and columns, and nothing else of ours but the workload's model.
"""
