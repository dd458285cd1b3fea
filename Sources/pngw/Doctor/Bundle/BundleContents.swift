import AdminProtocol
import CPNSModel
import Configuration
import Diagnosis
import FoundationEssentials
import Glibc

/// What is in a support bundle. Every value is taken over by name: what is not named here does not leave.
struct BundleContents {
  let doctor: Doctor
  let report: DoctorReport

  func make() -> (bundle: SupportBundle, missing: [String]) {
    var bundle = SupportBundle()
    var missing: [String] = []
    bundle.add("doctor.txt", "What pngwctl doctor found.", text: DoctorText.lines(report, .none).joined(separator: "\n") + "\n")
    bundle.add("doctor.json", "The same for programs.", json: report)
    if let configuration = doctor.configuration {
      bundle.add("configuration.txt", "The settings in force, defaults among them; those that may hold a secret are hidden.", text: Self.settings(configuration))
    } else {
      missing.append("the configuration: see doctor.txt")
    }
    bundle.add("machine.txt", "The system, its networks, and the state directory's files by name and size.", text: MachineText.make(doctor))
    addAnswers(&bundle, &missing)
    addAudit(&bundle)
    return (bundle, missing)
  }

  private static func settings(_ configuration: GatewayConfiguration) -> String {
    GatewayConfiguration.keys.map { key in
      let value = key.mayHoldSecret ? "\(Secret(key.literal(in: configuration)))" : key.literal(in: configuration)
      return "\(key.path) = \(value)\n"
    }.joined()
  }

  // MARK: The running gateway's

  private func addAnswers(_ bundle: inout SupportBundle, _ missing: inout [String]) {
    guard doctor.gateway.software != nil else {
      missing.append("status, devices, deliveries, events and metrics: pngwd does not answer")
      return
    }
    let client = AdminClient(socketPath: doctor.gateway.socket)
    var aliases = Aliases()
    if let status = doctor.gateway.status { bundle.add("status.json", "What pngwctl status shows.", json: BundledStatus(status)) }
    do throws(ControlFailure) {
      let pnes: PNEListReply = try client.decode(try client.get(Target("pnes")))
      bundle.add("devices.json", "The devices, without what they said of themselves beyond this.", json: pnes.pnes.map(BundledDevice.init))
      let deliveries: DeliveryListReply = try client.decode(try client.get(Target("deliveries", query: [("limit", "200")])))
      bundle.add("deliveries.json", "Contents on their way and the last 200 that ended, without their names.", json: deliveries.deliveries.map { BundledDelivery($0, &aliases) })
      let events: EventListReply = try client.decode(try client.get(Target("events", "past", query: [("limit", "1024")])))
      bundle.add("events.json", "What happened, by kind and time.", json: events.events.map(BundledEvent.init))
      bundle.add("metrics.txt", "Numbers: names and labels are the program's own.", text: String(decoding: try client.get(Target("metrics")), as: UTF8.self))
    } catch {
      missing.append("some of the gateway's answers: \(error.lines.joined(separator: "; "))")
    }
  }

  private func addAudit(_ bundle: inout SupportBundle) {
    guard let directory = doctor.configuration?.state.directory else { return }
    bundle.add("audit.json", "What administrators did; it holds no codes.", json: AuditFile(directory: directory).readNow(limit: 500))
  }
}
