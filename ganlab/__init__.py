"""ganlab: the small PyTorch package under a course on how machines generate images."""

__version__ = "0.1.0"
