// MediaRelay
