// Colours for maps. Lightness rises evenly in both, so that they read in print and for colour-blind readers, too.

const SCALES = {
  inferno: ["420a68", "6a176e", "932667", "bc3754", "dd513a", "f37819", "fca50a", "f6d746"],
  viridis: ["440154", "46327e", "365c8d", "277f8e", "1fa187", "4ac16d", "a0da39", "fde725"],
};

function parse(hex) {
  return [0, 2, 4].map((place) => parseInt(hex.slice(place, place + 2), 16));
}

export function colour(name, heat) {
  const stops = (SCALES[name] || SCALES.inferno).map(parse);
  const place = Math.min(Math.max(heat, 0), 1) * (stops.length - 1);
  const below = Math.min(Math.floor(place), stops.length - 2);
  return stops[below].map((value, channel) => value + (stops[below + 1][channel] - value) * (place - below));
}

// Cold places keep their own grey; there is no edge that is not in the map.
export function strength(heat) {
  const held = Math.min(Math.max((heat - 0.12) / 0.63, 0), 1);
  return held * held * (3 - 2 * held);
}
