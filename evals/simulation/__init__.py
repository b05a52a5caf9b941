"""The offline default: a world of synthetic conversations and a simulated model.

The world, and the agent, judge and reflection parts of the model, do not import
each other; what they share is `request` and `draws`. Everything that is made with
them is labelled `simulated`.
"""
