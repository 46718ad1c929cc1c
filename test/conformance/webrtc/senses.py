"""What is sent, one colour and one tone, and how they are known again after a codec had them."""

from array import array

WIDTH, HEIGHT = 320, 240
COLOUR = (120, 60, 70)  # Y, U, V of a green
RATE = 48000
PITCH = 440


def is_colour(planes: list[bytes]) -> bool:
    """Whether a picture, given as its planes of Y, U and V, is of the colour all over."""
    return all(abs(sum(plane) / len(plane) - want) < 8 for plane, want in zip(planes, COLOUR))


def is_tone(samples: bytes, channels: int) -> bool:
    """Whether sound, 16 bits a sample, is the tone: it is loud, and goes up through zero as often as it should."""
    wave = array("h", samples)[::channels]
    rising = sum(1 for before, after in zip(wave, wave[1:]) if before < 0 <= after)
    return max(wave) > 2000 and abs(rising * RATE / len(wave) - PITCH) < 30
