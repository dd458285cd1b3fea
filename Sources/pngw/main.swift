import Glibc

// One program under three names, so that a board stores the Swift runtime once.

let program = Program(CommandLine.arguments)
switch program.name {
case .worker: runUPnPWorker(arguments: program.arguments)
case .daemon: exit(await DaemonMain.run(arguments: program.arguments))
case .control: exit(await ControlMain.run(arguments: program.arguments))
case nil:
  let line = Array(Program.usage.utf8)
  _ = write(2, line, line.count)
  exit(64)
}
