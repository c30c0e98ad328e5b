from .running import folder

__all__ = ["folder"]
