import COpenSSL

/// What OpenSSL asks in the middle of a handshake, on the connection's event loop. Nothing here waits.
enum TLSCallbacks {
  /// Longest identity that is looked up: `eukey:urn:uuid:…:4294967295` has 62 bytes.
  private static let longestIdentity = 128

  /// A server looks for the key of an identity (`SSL_psk_find_session_cb_func`).
  static let findKey: SSL_psk_find_session_cb_func = { ssl, identity, length, session in
    session?.pointee = nil
    guard let ssl, let identity, length > 0, length <= longestIdentity, let connection = TLSConnection.of(ssl) else { return 1 }
    let name = String(decoding: UnsafeBufferPointer(start: identity, count: length), as: UTF8.self)
    guard let key = connection.key(for: name), key.count == 32 else { return 1 }
    session?.pointee = copenssl_psk_session(ssl, key, key.count)
    return session?.pointee == nil ? 0 : 1
  }

  /// A client says which key it has (`SSL_psk_use_session_cb_func`).
  static let useKey: SSL_psk_use_session_cb_func = { ssl, digest, identity, length, session in
    session?.pointee = nil
    guard let ssl, let own = TLSConnection.of(ssl)?.ownKey else { return 0 }
    // A second ClientHello for another digest than the key's goes without it, and fails.
    if let digest, EVP_MD_is_a(digest, "SHA256") != 1 { return 1 }
    session?.pointee = copenssl_psk_session(ssl, own.key, own.key.count)
    identity?.pointee = own.identity.baseAddress
    length?.pointee = own.identity.count
    return session?.pointee == nil ? 0 : 1
  }

  /// The verdict on each certificate of the peer's; only heard, never changed.
  static let verified: SSL_verify_cb = { ok, store in
    if ok == 1 { return 1 }
    let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()).map { OpaquePointer($0) }
    TLSConnection.of(ssl)?.keep(X509_STORE_CTX_get0_untrusted(store))
    TLSConnection.of(ssl)?.refuse(X509_STORE_CTX_get_current_cert(store), X509_STORE_CTX_get_error(store))
    return 0
  }

  /// Picks ours of the protocols that a client offers.
  static let selectProtocol: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenLength, offered, offeredLength, this in
    guard let this, let chosen, let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let alpn = Unmanaged<TLSContext>.fromOpaque(this).takeUnretainedValue().alpn
    var rest = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
    while let length = rest.first, Int(length) < rest.count {
      let name = UnsafeBufferPointer(rebasing: rest[1...Int(length)])
      if alpn.names.contains(where: { $0.utf8.elementsEqual(name) }) {
        chosen.pointee = name.baseAddress
        chosenLength?.pointee = length
        return SSL_TLSEXT_ERR_OK
      }
      rest = UnsafeBufferPointer(rebasing: rest.dropFirst(Int(length) + 1))
    }
    return alpn.isRequired ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK
  }

  /// A client that offers no protocol at all never gets to ``selectProtocol``.
  static let clientHello: SSL_client_hello_cb_fn = { ssl, alert, _ in
    var start: UnsafePointer<UInt8>? = nil
    var length = 0
    if SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation), &start, &length) == 1 { return SSL_CLIENT_HELLO_SUCCESS }
    alert?.pointee = SSL_AD_NO_APPLICATION_PROTOCOL
    return SSL_CLIENT_HELLO_ERROR
  }
}
