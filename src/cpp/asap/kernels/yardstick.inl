// Yardsticks: what this instruction set can do at best, for benchmarks to compare the kernels with.

constexpr std::size_t kChains = kRegisters * 3 / 4;  // enough to hide the latency, with registers left for the operands

constexpr std::size_t multiply_add_flops = 2 * kChains * kLanes;

// The chains start from different values: the compiler would compute equal ones once.
float multiply_add(std::size_t rounds, float start) {
  const Vec factor = broadcast(start);
  Vec chains[kChains];
  ASAP_UNROLL
  for (std::size_t c = 0; c < kChains; ++c) chains[c] = broadcast(start + static_cast<float>(c));
  for (std::size_t round = 0; round < rounds; ++round) {
    ASAP_UNROLL
    for (std::size_t c = 0; c < kChains; ++c) chains[c] = chains[c] * factor + factor;
  }
  float total = 0;
  for (std::size_t c = 0; c < kChains; ++c) total += sum(chains[c]);
  return total;
}

/// A pass in steps of kVectors vectors of each array.
template <StreamMix kMix, std::size_t kVectors>
ASAP_TILE float pass(std::size_t n, float* const* arrays) {
  constexpr std::size_t kUpdated = kMix.reads, kWritten = kUpdated + kMix.updates, kEnd = kWritten + kMix.writes;
  constexpr bool kOnlyReads = kUpdated == kEnd;
  float* array[kEnd];
  ASAP_UNROLL
  for (std::size_t a = 0; a < kEnd; ++a) array[a] = arrays[a];
  Vec sums[kVectors] = {};
  for (std::size_t i = 0; i < n; i += kVectors * kLanes) {
    ASAP_UNROLL
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t at = i + v * kLanes;
      Vec read{};
      ASAP_UNROLL
      for (std::size_t a = 0; a < kUpdated; ++a) read += load(array[a] + at);
      ASAP_UNROLL
      for (std::size_t a = kUpdated; a < kWritten; ++a) store(array[a] + at, read - load(array[a] + at));
      ASAP_UNROLL
      for (std::size_t a = kWritten; a < kEnd; ++a) store(array[a] + at, read);
      if (kOnlyReads) sums[v] += read;
    }
  }
  float total = 0;
  for (std::size_t v = 0; kOnlyReads && v < kVectors; ++v) total += sum(sums[v]);
  return total;
}

template <StreamMix kMix>
float pass(const Streams& s) {
  switch (s.form) {
    case 0:
      return pass<kMix, 1>(s.n, s.arrays);
    case 1:
      return pass<kMix, 4>(s.n, s.arrays);
    default:
      return pass<kMix, 8>(s.n, s.arrays);
  }
}

ASAP_INLINE bool same(StreamMix a, StreamMix b) {
  return a.reads == b.reads && a.updates == b.updates && a.writes == b.writes;
}

template <std::size_t kIndex = 0>
float stream(const Streams& s) {
  if constexpr (kIndex + 1 < sizeof kStreamMixes / sizeof *kStreamMixes)
    if (!same(s.mix, kStreamMixes[kIndex])) return stream<kIndex + 1>(s);
  return pass<kStreamMixes[kIndex]>(s);
}
