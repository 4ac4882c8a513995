from anystream.conformance import pytest_clauses

test_tiny = pytest_clauses("docs_src.adapters.own_conformance:host")
