"""The colours that classes get, in their order."""

import colorsys

# Okabe & Ito's palette for colour-blind readers, without black, which a dark picture hides; grey stands in for it.
OKABE_ITO = ("#0096E8", "#E69F00", "#00B37D", "#F06FB7", "#F0E442", "#D55E00", "#56C5F5", "#9A9A9A")
GOLDEN_ANGLE = 0.38196601125  # of a turn


def class_colour(position: int) -> str:
    """The colour "#RRGGBB" of the class at a place in the list: Okabe & Ito's first, then hues by the golden angle."""
    if position < len(OKABE_ITO):
        return OKABE_ITO[position]
    hue = (0.07 + (position - len(OKABE_ITO)) * GOLDEN_ANGLE) % 1
    red, green, blue = colorsys.hls_to_rgb(hue, 0.68, 0.68)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"
