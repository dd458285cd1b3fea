import CSystemd
import Glibc

struct PassedSocket {
  let descriptor: CInt
  let name: String

  var isListeningUnixStream: Bool { sd_is_socket_unix(descriptor, Int32(SOCK_STREAM.rawValue), 1, nil, 0) > 0 }
}

/// What was passed; a second call finds nothing, and neither do our children.
func passedSockets() -> [PassedSocket] {
  var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  let count = sd_listen_fds_with_names(1, &names)
  guard count > 0, let names else { return [] }
  defer {
    for index in 0..<Int(count) { free(names[index]) }
    free(names)
  }
  return (0..<Int(count)).map { index in
    PassedSocket(descriptor: SD_LISTEN_FDS_START + CInt(index), name: names[index].map { String(cString: $0) } ?? "")
  }
}
