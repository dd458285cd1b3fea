import COpenSSL

/// Where OpenSSL reads and writes the ciphertext of a ``TLSConnection``: its buffers and nothing in between, so that an idle
/// connection holds none.
enum ConnectionBIO {
  /// - Returns: a BIO for `connection`, which outlives it.
  static func make(for connection: TLSConnection) -> OpaquePointer? {
    guard let method, let bio = BIO_new(method) else { return nil }
    BIO_set_data(bio, Unmanaged.passUnretained(connection).toOpaque())
    return bio
  }

  /// `nonisolated(unsafe)`: made once, and only read from then on.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pngw connection")
    BIO_meth_set_read(method, read)
    BIO_meth_set_write(method, write)
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()

  /// `BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY`, as OpenSSL's own macro clears them.
  private static let retryFlags = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY

  private static func connection(of bio: OpaquePointer?) -> TLSConnection? {
    BIO_get_data(bio).map { Unmanaged<TLSConnection>.fromOpaque($0).takeUnretainedValue() }
  }

  private static let read: @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int32) -> Int32 = { bio, out, size in
    BIO_clear_flags(bio, retryFlags)
    guard let connection = connection(of: bio), let out, size > 0 else { return 0 }
    let count = connection.takeInput(into: UnsafeMutableRawBufferPointer(start: out, count: Int(size)))
    if count > 0 { return Int32(count) }
    BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    return -1
  }

  private static let write: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = { bio, bytes, size in
    BIO_clear_flags(bio, retryFlags)
    guard let connection = connection(of: bio), let bytes, size > 0 else { return 0 }
    connection.putOutput(UnsafeRawBufferPointer(start: bytes, count: Int(size)))
    return size
  }
}
