import CSystemd

/// Who is on the system's D-Bus. For tools: it blocks.
package enum SystemBus {
  /// - Returns: nil when there is no bus.
  package static func hasOwner(_ name: String) -> Bool? {
    var bus: OpaquePointer?
    guard sd_bus_open_system(&bus) >= 0, let bus else { return nil }
    defer { sd_bus_flush_close_unref(bus) }
    var credentials: OpaquePointer?
    let result = sd_bus_get_name_creds(bus, name, 0, &credentials)
    if let credentials { sd_bus_creds_unref(credentials) }
    return result >= 0
  }
}
