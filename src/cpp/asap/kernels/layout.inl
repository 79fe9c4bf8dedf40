// From rows to lanes and back, in blocks of kLanes samples × kLanes features.

void lanes_from_rows(std::size_t samples, std::size_t features, const float* rows, float* lanes) {
  for (std::size_t first = 0; first < samples; first += kLanes, lanes += features * kLanes)
    for (std::size_t i = 0; i < features; i += kLanes) {
      Vec block[kLanes];
      load_block(rows, samples * features, first * features + i, features, block);
      transpose(block);
      store_block(block, features - i, kLanes, lanes + i * kLanes, kLanes);
    }
}

void rows_from_lanes(std::size_t samples, std::size_t features, const float* lanes, float* rows) {
  for (std::size_t first = 0; first < samples; first += kLanes, lanes += features * kLanes)
    for (std::size_t i = 0; i < features; i += kLanes) {
      Vec block[kLanes];
      load_block(lanes, features * kLanes, i * kLanes, kLanes, block);
      transpose(block);
      store_block(block, samples - first, features - i, rows + first * features + i, features);
    }
}

// --- bytes. Four bytes of a sample at a time are one 32-bit lane of the transposition, and are taken apart behind it.

constexpr std::size_t kWordBytes = 4, kBlockBytes = kWordBytes * kLanes;

/// Copies bytes; for sanitizers in a loop, like copy_few.
ASAP_INLINE void copy_bytes(void* to, const std::uint8_t* from, std::size_t count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  for (std::size_t i = 0; i < count; ++i) static_cast<std::uint8_t*>(to)[i] = from[i];
#else
  __builtin_memcpy(to, from, count);
#endif
}

/// Words: bytes at … at + kBlockBytes of every sample, zeros behind the last of `size`, and for the samples that do not
/// exist.
ASAP_INLINE void load_words(std::size_t samples, const std::uint8_t* const* bytes, std::size_t size, std::size_t at,
                            Vec (&words)[kLanes]) {
  ASAP_UNROLL
  for (std::size_t i = 0; i < kLanes; ++i) {
    words[i] = Vec{};
    if (i >= samples) continue;
    if (at + kBlockBytes <= size)
      copy_bytes(&words[i], bytes[i] + at, kBlockBytes);
    else
      copy_bytes(&words[i], bytes[i] + at, size - at);
  }
}

/// The bytes of the words, scaled: for each sample in the lanes, features at … at + kWordBytes.
template <class Put>
ASAP_INLINE void take_apart(IntVec words, float scale, Put put) {
  put(0, scale * __builtin_convertvector(words & 0xff, Vec));
  put(1, scale * __builtin_convertvector(words >> 8 & 0xff, Vec));
  put(2, scale * __builtin_convertvector(words >> 16 & 0xff, Vec));
  put(3, scale * __builtin_convertvector(words >> 24 & 0xff, Vec));
}

ASAP_INLINE IntVec bits_of(Vec v) {
  IntVec bits;
  __builtin_memcpy(&bits, &v, sizeof v);
  return bits;
}

/// kBlockBytes features of each of kLanes samples.
ASAP_TILE void lanes_from_block(const std::uint8_t* const* bytes, std::size_t at, float scale, Vec* lanes) {
  Vec words[kLanes];
  ASAP_UNROLL
  for (std::size_t i = 0; i < kLanes; ++i) copy_bytes(&words[i], bytes[i] + at, kBlockBytes);
  transpose(words);
  ASAP_UNROLL
  for (std::size_t i = 0; i < kLanes; ++i)
    take_apart(bits_of(words[i]), scale, [&](std::size_t j, Vec feature) { lanes[i * kWordBytes + j] = feature; });
}

/// The features that the bytes of an image become, pixel after pixel, and in a pixel channel after channel.
struct Planes {
  Vec* next_feature() {
    Vec* feature = lanes + channel * pixels + pixel;
    if (++channel == channels) channel = 0, ++pixel;
    return feature;
  }
  std::size_t pixels, channels;
  Vec* lanes;
  std::size_t channel = 0, pixel = 0;
};

void lanes_from_bytes(std::size_t samples, const std::uint8_t* const* bytes, std::size_t pixels, std::size_t channels,
                      float scale, float* lanes) {
  const std::size_t size = pixels * channels;
  std::size_t at = 0;
  if (samples == kLanes && channels == 1)
    for (; at + kBlockBytes <= size; at += kBlockBytes) lanes_from_block(bytes, at, scale, vectors(lanes) + at);
  Planes planes{pixels, channels, vectors(lanes), 0, at};
  for (; at < size; at += kBlockBytes) {
    Vec words[kLanes];
    load_words(samples, bytes, size, at, words);
    transpose(words);
    for (std::size_t i = 0; i < kLanes && at + i * kWordBytes < size; ++i) {
      take_apart(bits_of(load(reinterpret_cast<float*>(words + i))), scale, [&](std::size_t j, Vec feature) {
        if (at + i * kWordBytes + j < size) *planes.next_feature() = feature;
      });
    }
  }
}
