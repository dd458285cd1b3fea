import CAvahi

/// The announcement of one service, over one connection.
final class Publication: AvahiWork {
  /// Other names tried when the name is taken: a LAN with more gateways of one name has another trouble.
  private static let maximumRenamings = 32

  private var name: String
  private let port: UInt16
  private let text: [[UInt8]]
  private let tell: AvahiTell
  private var group: OpaquePointer?
  private var renamings = 0

  /// - Parameter name: fits a DNS label.
  init(name: String, port: UInt16, text: [[UInt8]], tell: @escaping AvahiTell) {
    self.name = name
    self.port = port
    self.text = text
    self.tell = tell
  }

  func begin(with client: OpaquePointer) -> String? {
    if group == nil { group = avahi_entry_group_new(client, Self.groupTurned, Unmanaged.passUnretained(self).toOpaque()) }
    guard let group else { return AvahiCallbacks.words(avahi_client_errno(client)) }
    return avahi_entry_group_is_empty(group) != 0 ? publish(group) : nil
  }

  func pause() { if let group { avahi_entry_group_reset(group) } }

  private func publish(_ group: OpaquePointer) -> String? {
    var result = add(to: group)
    // Taken on this very machine; on another one it shows later, in the group's state.
    while result == CInt(AVAHI_ERR_COLLISION), rename() { result = add(to: group) }
    if result >= 0 { result = avahi_entry_group_commit(group) }
    return result >= 0 ? nil : AvahiCallbacks.words(result)
  }

  private func add(to group: OpaquePointer) -> CInt {
    // Adding puts in front, so the last one first.
    var list: UnsafeMutablePointer<AvahiStringList>?
    for string in text.reversed() { list = avahi_string_list_add_arbitrary(list, string, string.count) }
    defer { avahi_string_list_free(list) }
    return avahi_entry_group_add_service_strlst(
      group, AvahiIfIndex(AVAHI_IF_UNSPEC), AvahiProtocol(AVAHI_PROTO_UNSPEC), AvahiPublishFlags(rawValue: 0), name, "_cpns._tcp", nil, nil, port, list)
  }

  private func rename() -> Bool {
    guard renamings < Self.maximumRenamings, let other = avahi_alternative_service_name(name) else { return false }
    renamings += 1
    name = String(cString: other)
    avahi_free(other)
    return true
  }

  private func turned(_ group: OpaquePointer, _ state: AvahiEntryGroupState) {
    switch state {
    case AVAHI_ENTRY_GROUP_ESTABLISHED: tell(.published(name))
    case AVAHI_ENTRY_GROUP_COLLISION:
      avahi_entry_group_reset(group)
      guard rename() else { return tell(.ended("\(Self.maximumRenamings) names are taken already, the last is \(name)")) }
      if let problem = publish(group) { tell(.ended(problem)) }
    case AVAHI_ENTRY_GROUP_FAILURE: tell(.ended(AvahiCallbacks.words(avahi_client_errno(avahi_entry_group_get_client(group)))))
    default: break
    }
  }

  private static let groupTurned: AvahiEntryGroupCallback = { group, state, this in
    guard let group, let this else { return }
    let publication = Unmanaged<Publication>.fromOpaque(this).takeUnretainedValue()
    // It may come from inside `avahi_entry_group_new`.
    publication.group = group
    publication.turned(group, state)
  }
}
