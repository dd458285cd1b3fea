import COpenSSL

/// OpenSSL's error queue of this thread as words, emptied.
func openSSLErrors() -> String {
  var texts: [String] = []
  while case let code = ERR_get_error(), code != 0 {
    if let reason = ERR_reason_error_string(code) { texts.append(String(cString: reason)) }
  }
  return texts.isEmpty ? "no reason given" : texts.joined(separator: "; ")
}
