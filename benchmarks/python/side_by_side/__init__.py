"""The parts of `peers.py`: asap beside other libraries, each in a process of its own, timed in turns.

The way of a figure: `forms` says what is compared, `problem` writes data, parameters and the expected gradient into a
folder, `process` starts a contender with its environment, `contender` answers there, `turns` asks two of them A B A B,
`figures` makes ratios and tables of it; `target` times the way to a loss instead.
"""
