"""Commands that draw, go on with a drawing, and name one."""

from __future__ import annotations

import click

from ..settings import above
from .options import MODEL, Drawn, Value, classes_here, examples, from_settings
from .output import output_options, place, put, say

AT_ONCE = 200  # drawings recognised at a time
SIZE = Value(float, above(0))


@click.command(epilog=examples("sketchlib draw cat --n 9 --temperature 0.4 -o cats.svg", "sketchlib draw cat pig -o two.gif"))
@click.argument("word", nargs=-1, required=True, shell_complete=classes_here)
@from_settings(Drawn)
@MODEL
@output_options
def draw(word, n, temperature, pen_temperature, guidance, seed, model, output, kind, moving, force):
    """Draw sketches of a class, or of several."""
    place(output, kind, force, moving)
    from ..models.weights import load
    from ..sampling import sample

    how = dict(temperature=temperature, pen_temperature=pen_temperature, guidance=guidance, seed=seed)
    put(sample(load(model), word, n, **how), output, kind, moving, force)


@click.command(epilog=examples("sketchlib complete begun.svg --n 9 -o ways.svg", "sketchlib complete begun.json --word cat --pen-down"))
@click.argument("file", type=click.Path())
@click.option("--word", help="the class that is drawn (default: the likeliest one)", shell_complete=classes_here)
@click.option("--size", type=SIZE, metavar="NUMBER", help="the longer side of the whole, in data units (default: the likeliest)")
@click.option("--pen-down", is_flag=True, help="the last stroke is still being drawn")
@from_settings(Drawn, Drawn(n=9))
@MODEL
@output_options
def complete(file, word, size, pen_down, model, output, kind, moving, force, **how):
    """Go on with a drawing, in several ways.

    It is the first one in FILE, an .svg or any other file of drawings.
    """
    place(output, kind, force, moving)
    from ..data.formats import read

    (begun,) = read(file, limit=1)  # before torch is loaded: what is wrong with a file is said at once
    from ..completion import complete
    from ..models.weights import load

    found = complete(load(model), begun, word=word, size=size, pen_down=pen_down, **how)
    say(f"{found.word}, with a probability of {found.posterior[found.word]:.2f}")
    put(found.completions, output, kind, moving, force)


@click.command(epilog=examples('sketchlib scene "two cats and an apple" -o scene.gif', 'sketchlib scene "a car, three suns" -o scene.png'))
@click.argument("sentence", nargs=-1, required=True)
@from_settings(Drawn, Drawn(pen_temperature=0.7), leave_out=["n"])
@MODEL
@output_options
def scene(sentence, model, output, kind, moving, force, **how):
    """Draw what a sentence names.

    SENTENCE has numbers and classes in English, with quotation marks or without; they are drawn one beside the other.
    """
    place(output, kind, force, moving)
    from ..models.weights import load
    from ..pictures.sentence import scene

    found = scene(" ".join(sentence), load(model), **how)
    put(found.drawings, output, kind, moving, force, found)


@click.command(epilog=examples("sketchlib recognise mine.svg", "sketchlib recognise drawings/*.ndjson --limit 5"))
@click.argument("file", nargs=-1, required=True, type=click.Path())
@click.option("--limit", type=click.IntRange(1), help="drawings read of each file (default: all)")
@MODEL
def recognise(file, limit, model):
    """Say of which class drawings are.

    That is the class under which the model finds a drawing likeliest. A line has the file, the number of the drawing in it, the class and
    its probability, with tabs between them.
    """
    from ..data.formats import each, read

    for name in file:
        each(name, limit)  # nothing is read yet: a wrong name is said at once, and not behind the answers on other files
    from ..completion import beginning_of, class_posterior
    from ..models.weights import load

    judge = load(model)
    for name in file:
        drawings = read(name, limit)
        for start in range(0, len(drawings), AT_ONCE):
            some = [beginning_of(drawing, share=1.0) for drawing in drawings[start : start + AT_ONCE]]
            for number, shares in enumerate(class_posterior(judge, some, ended=True), start=start + 1):
                click.echo(f"{name}\t{number}\t{judge.classes[shares.argmax()]}\t{shares.max():.3f}")
