import Glibc
import UPnPWorker

/// `pngw-upnp IFACE`: the worker for one interface. Started by `pngwd` only, with its channel on descriptor 3.
func runUPnPWorker(arguments: [String]) -> Never {
  guard arguments.count == 1, let interface = arguments.first, !interface.isEmpty, interface.utf8.count < Int(IFNAMSIZ) else {
    refuse("pngwd starts this program, as: pngw-upnp INTERFACE, with a socket on descriptor 3")
  }
  guard fcntl(3, F_GETFD) >= 0 else {
    refuse("descriptor 3 is not open; pngwd starts this program, not a person")
  }
  exit(UPnPWorker.run(interface: interface, descriptor: 3))
}

private func refuse(_ why: String) -> Never {
  let line = Array("pngw-upnp: \(why)\n".utf8)
  _ = write(2, line, line.count)
  exit(64)
}
