import CAvahi
import Dispatch

/// What is done over a connection. Everything is called with avahi's lock held: on its thread, or before that has begun.
protocol AvahiWork: AnyObject {
  /// The responder runs and has its host name; comes again after each change of that name.
  /// - Returns: why it can't be done.
  func begin(with client: OpaquePointer) -> String?
  /// The host name is being changed: what was published has to go until ``begin(with:)`` comes again.
  func pause()
}

/// One connection to avahi-daemon, with libavahi's own thread.
///
/// `@unchecked Sendable`: the pointers are written on `lane` only, before the thread has begun and after it was joined; the
/// thread, on which all callbacks run, only reads them. The callbacks hold no reference, and there are none after `close()`, for
/// which the owner waits.
final class AvahiConnection: @unchecked Sendable {
  private let make: @Sendable (@escaping AvahiTell) -> any AvahiWork
  private let tell: AvahiTell
  /// Connecting asks the bus and waits; stopping joins a thread: neither may block the cooperative pool.
  private let lane = DispatchQueue(label: "avahi")
  private var poll: OpaquePointer?
  private var client: OpaquePointer?
  private var work: (any AvahiWork)?
  private var isRunning = false

  init(make: @escaping @Sendable (@escaping AvahiTell) -> any AvahiWork, tell: @escaping AvahiTell) {
    self.make = make
    self.tell = tell
  }

  /// - Returns: why there is no connection; then there is nothing to close.
  func open() async -> String? {
    await withCheckedContinuation { continuation in
      lane.async { continuation.resume(returning: self.start()) }
    }
  }

  func close() async {
    await withCheckedContinuation { continuation in
      lane.async {
        self.stop()
        continuation.resume()
      }
    }
  }

  private func start() -> String? {
    guard let poll = avahi_threaded_poll_new() else { return "there is no memory for avahi's thread" }
    self.poll = poll
    work = make(tell)
    var code: CInt = 0
    let this = Unmanaged.passUnretained(self).toOpaque()
    // NO_FAIL: when the bus is there and the responder is not, libavahi waits for it.
    client = avahi_client_new(avahi_threaded_poll_get(poll), AVAHI_CLIENT_NO_FAIL, AvahiCallbacks.client, this, &code)
    guard client != nil, avahi_threaded_poll_start(poll) == 0 else {
      let why = client == nil ? AvahiCallbacks.words(code) : "avahi's thread can't be started"
      stop()
      return why
    }
    return nil
  }

  /// The thread first: after it is joined nobody calls back. Freeing the client frees what was made with it.
  private func stop() {
    if let poll { avahi_threaded_poll_stop(poll) }
    if let client { avahi_client_free(client) }
    if let poll { avahi_threaded_poll_free(poll) }
    (poll, client, work) = (nil, nil, nil)
  }

  /// The client's state. May come from inside `avahi_client_new`, before that has returned.
  fileprivate func turned(_ client: OpaquePointer, _ state: AvahiClientState) {
    switch state {
    case AVAHI_CLIENT_S_RUNNING:
      isRunning = true
      tell(.running)
      if let problem = work?.begin(with: client) { tell(.ended(problem)) }
    case AVAHI_CLIENT_S_COLLISION, AVAHI_CLIENT_S_REGISTERING: work?.pause()
    case AVAHI_CLIENT_FAILURE: tell(.ended(AvahiCallbacks.words(avahi_client_errno(client))))
    // Nothing that was made with the old responder lives on: begin anew.
    case AVAHI_CLIENT_CONNECTING: if isRunning { tell(.ended("the responder has gone")) }
    default: break
    }
  }
}

/// What libavahi calls, on its own thread.
enum AvahiCallbacks {
  static let client: AvahiClientCallback = { client, state, this in
    guard let client, let this else { return }
    Unmanaged<AvahiConnection>.fromOpaque(this).takeUnretainedValue().turned(client, state)
  }

  static func words(_ code: CInt) -> String { text(avahi_strerror(code)) }

  static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
}
