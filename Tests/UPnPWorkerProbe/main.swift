import Glibc
import UPnPWorker

// For tests and for trying things by hand; not part of the product.
//
// Started by a supervisor it is a worker: the real one, or one that misbehaves when its interface is named so.
// Started by a person it is the supervisor, with commands on its standard input.

let arguments = CommandLine.arguments
if arguments.first == "pngw-upnp", arguments.count == 2 {
  if let fake = FakeWorker(interface: arguments[1]) { exit(fake.run()) }
  exit(UPnPWorker.run(interface: arguments[1], descriptor: 3))
}
await superviseByHand(interfaces: Array(arguments.dropFirst()))
