import AdminProtocol
import CPNSModel
import MediaProtocol

/// The errors of what is asked, in words for whoever administers.
extension AdminFailure {
  init(_ error: StoreError) {
    self.init(.unavailable, "the gateway's database: \(error)", remedy: "see that the state directory's disk has room and is healthy")
  }

  init(_ error: StageError) {
    switch error {
    case .full(let why): self.init(.noRoom, why, remedy: "free room on the disk, or raise state.content_quota_mib in pngw.toml")
    case .mismatch(let why): self.init(.badRequest, why, remedy: "send the content again")
    case .io(let why), .source(let why): self.init(.unavailable, why, remedy: "see that the state directory's disk is healthy, and try again")
    case .outOfOrder: self.init(.unavailable, "the content's bytes came out of order", remedy: "send the content again")
    }
  }

  init(_ error: MediaError, device name: String) {
    switch error {
    case .unknownDevice: self.init(.unreachable, "\(name) is not there now", remedy: "switch it on, and wait until it is online")
    case .unreachable(let why): self.init(.unreachable, "\(name): \(why)", remedy: "see that it is on and in the same network")
    case .fault(let code, let text):
      self.init(.refused, "\(name) answered error \(code): \(text)", remedy: "look up UPnP error \(code); 701 means that there is no such object")
    case .malformed(let why): self.init(.refused, "\(name): \(why)", remedy: "ask for fewer objects, or update the device")
    case .busy(let why): self.init(.busy, "\(name): \(why)", remedy: "try again in a moment")
    }
  }

  init(_ error: Enrolment.Failure, server: String) {
    switch error {
    case .code(let why): self.init(.badRequest, why, remedy: "get one with `cpnsd claim new` on the server")
    case .link(let why):
      self.init(
        .unreachable, "\(server): \(why)",
        remedy: "see that the server is up, that the port is that of its uplink, and that the code is from this server")
    case .refused(let why): self.init(.refused, "\(server) refused: \(why)", remedy: "get a fresh code with `cpnsd claim new`; each is good once")
    case .store(let why):
      self.init(.unavailable, why, remedy: "see that the state directory can be written to and has room, and that the private key is there")
    }
  }
}
