"""Small training programs after the classics; ``PROGRAMS`` has all of them by name."""

from tests.training import generative, recurrent, reinforcement, vision, words

PROGRAMS = {
    name: program
    for subject in (recurrent, generative, vision, reinforcement, words)
    for name, program in subject.PROGRAMS.items()
}
