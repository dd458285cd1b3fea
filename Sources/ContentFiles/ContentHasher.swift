/// SHA-256 of bytes that come piece by piece.
package protocol ContentHasher {
  func update(_ bytes: UnsafeRawBufferPointer)
  /// Ends it: 32 bytes.
  func digest() -> [UInt8]
}
