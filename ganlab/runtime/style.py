"""How figures look: the card that they are painted on, one palette, and sizes that a narrow window leaves readable."""

# One soft colour, the same on a light page and on a dark one: what is drawn has the same contrast on both.
CARD = "#faf9f5"
# Each is 3:1 or better on the card, and each pair apart in grey and for colour-blind eyes; words are 4.5:1.
REAL = "#195990"  # blue
FAKE = "#da6e16"  # orange
OTHER = "#3c7d4a"  # green
INK = "#333333"  # near black
FAKE_WORDS = "#ac5711"  # what `plots.show` makes of words in FAKE, which is too light for them
# For matplotlib's rcParams; points are 100/72 pixels of the screen. The usual 10 points would be 8 pixels high where
# a figure of 9.6 inches is squeezed into a window of 900 pixels.
STYLE = {
    "font.size": 11.5,
    "axes.titlesize": 12.5,
    "axes.labelsize": 11.5,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "lines.linewidth": 1.8,
    # what has been given no colour is neither real nor generated
    "axes.prop_cycle": f"cycler('color', {[OTHER, INK, REAL, FAKE]})",
    "figure.facecolor": CARD,
    "axes.facecolor": CARD,
    "savefig.facecolor": CARD,
}
