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
