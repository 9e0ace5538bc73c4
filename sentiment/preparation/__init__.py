"""From raw reviews to prepared data: splits, vocabulary, token ids."""
