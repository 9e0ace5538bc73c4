"""The steps of the project, each tracked as a run. An entry point parses the parameters and calls one of these."""
