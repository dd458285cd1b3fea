// swift-tools-version: 6.2
import PackageDescription

// Layers, and the one rule: a target names only targets of the layers before it, and adapters never name each other.
// `scripts/check` holds it. See docs/architecture.md.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]
let http: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let embedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}
func main(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}
func clibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: strict)
}

let c = [
  clibrary("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
  clibrary("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
  clibrary("CAvahi", pkgConfig: "avahi-client", apt: "libavahi-client-dev"),
  clibrary("CUPnP", pkgConfig: "libupnp", apt: "libupnp-dev"),
  clibrary("CExpat", pkgConfig: "expat", apt: "libexpat1-dev"),
  clibrary("CSystemd", pkgConfig: "libsystemd", apt: "libsystemd-dev"),
  clibrary("CQREncode", pkgConfig: "libqrencode", apt: "libqrencode-dev"),
]

let model = [
  library("CPNSModel", [])
]

let contracts = [
  library("CPNSMessages", ["CPNSModel", protobuf]),
  library("CPNSProcedures", ["CPNSModel", "CPNSMessages", protobuf]),
  library("MediaProtocol", ["CPNSModel"]),
  library("Diagnosis", ["CPNSModel"]),
  library("AdminProtocol", ["CPNSModel", "Diagnosis"]),
  library("Configuration", ["CPNSModel", toml]),
]

let cores = [
  library("CPNSSession", ["CPNSModel", "CPNSMessages", "CPNSProcedures", protobuf, log]),
  library("GatewayCore", ["CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", "MediaProtocol", "Diagnosis", "AdminProtocol", protobuf, log]),
  library("ServerCore", ["CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", protobuf, log]),
  library("ElementCore", ["CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", protobuf, log]),
]

let adapters = [
  library("OpenSSLTLS", ["COpenSSL", "CPNSModel", log] + nio),
  library("LinkTransport", ["CPNSModel", "CPNSMessages", "CPNSSession", protobuf, log] + nio),
  library("HTTPServing", ["CPNSModel", http, log] + nio),
  library("MediaRelay", ["CPNSModel", "MediaProtocol", "GatewayCore", http, log] + nio),
  library("ContentFiles", ["CPNSModel", "GatewayCore", log]),
  library("SQLiteStore", ["CSQLite", "CPNSModel", "CPNSMessages", "GatewayCore", "ServerCore", protobuf, log]),
  library("AvahiBearer", ["CAvahi", "CPNSModel", log]),
  library("UPnPWorker", ["CUPnP", "CExpat", "CPNSModel", "MediaProtocol", log]),
  library("UPnPSupervisor", ["CPNSModel", "MediaProtocol", "GatewayCore", log]),
  library("ServiceManager", ["CSystemd"]),
]

/// Two adapters put together: used by the mains, and by nothing else.
let assemblies = [
  library("TLSLinks", ["CPNSModel", "CPNSSession", "LinkTransport", "OpenSSLTLS"] + nio)
]

let mains = [
  main("pngw", [
    "CPNSModel", "CPNSMessages", "CPNSSession", "MediaProtocol", "Diagnosis", "AdminProtocol", "Configuration", "GatewayCore",
    "OpenSSLTLS", "LinkTransport", "TLSLinks", "HTTPServing", "MediaRelay", "ContentFiles", "SQLiteStore", "AvahiBearer",
    "UPnPWorker", "UPnPSupervisor", "ServiceManager", "CQREncode", arguments, log,
  ] + nio),
  main("cpnsd", [
    "CPNSModel", "CPNSMessages", "CPNSSession", "Configuration", "ServerCore", "OpenSSLTLS", "LinkTransport", "TLSLinks",
    "HTTPServing", "SQLiteStore", "ServiceManager", arguments, log,
  ] + nio),
  main("pne", [
    "CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", "ElementCore", "OpenSSLTLS", "LinkTransport", "TLSLinks", "AvahiBearer",
    "ServiceManager", arguments, log,
  ] + nio),
]

let unitTests = [
  // Workers that misbehave, and the real one, for UPnPSupervisorTests.
  .executableTarget(
    name: "upnp-worker-probe", dependencies: ["MediaProtocol", "UPnPWorker", "UPnPSupervisor", log], path: "Tests/UPnPWorkerProbe",
    swiftSettings: strict),
  tests("CPNSModel", []),
  tests("CPNSMessages", ["CPNSModel", protobuf]),
  tests("CPNSProcedures", ["CPNSModel", "CPNSMessages", protobuf]),
  tests("CPNSSession", ["CPNSModel", "CPNSMessages", "CPNSProcedures", protobuf, log]),
  tests("MediaProtocol", ["CPNSModel"]),
  tests("Diagnosis", ["CPNSModel"]),
  tests("AdminProtocol", ["CPNSModel", "Diagnosis"]),
  tests("Configuration", ["CPNSModel"]),
  tests("GatewayCore", ["CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", "MediaProtocol", "Diagnosis", "AdminProtocol", protobuf, log]),
  tests("ServerCore", ["CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", protobuf, log]),
  tests("ElementCore", ["CPNSModel", "CPNSMessages", "CPNSProcedures", "CPNSSession", protobuf, log]),
  tests("OpenSSLTLS", ["CPNSModel", "CPNSMessages", "CPNSSession", "LinkTransport", protobuf, log, embedded] + nio),
  tests("LinkTransport", ["CPNSModel", "CPNSMessages", "CPNSSession", protobuf, log, embedded] + nio),
  tests("HTTPServing", [http, log] + nio),
  tests("MediaRelay", ["CPNSModel", "MediaProtocol", "GatewayCore", http, log] + nio),
  tests("ContentFiles", ["CPNSModel", "GatewayCore"]),
  tests("SQLiteStore", ["CPNSModel", "CPNSMessages", "GatewayCore", "ServerCore", log]),
  tests("AvahiBearer", ["CPNSModel"]),
  tests("UPnPWorker", ["CPNSModel", "MediaProtocol", log]),
  tests("UPnPSupervisor", ["CPNSModel", "MediaProtocol", "GatewayCore", "upnp-worker-probe", log]),
  tests("ServiceManager", []),
  tests("pngw", ["CPNSModel", "GatewayCore", "OpenSSLTLS"]),
  tests("pne", ["CPNSModel", "ElementCore", "OpenSSLTLS"]),
]

/// Handy while working on one part: `PNGW_ONLY=ServerCoreTests,CPNSModelTests swift build --build-tests` builds these targets and
/// what they need, and nothing else.
func closure(of names: [String], in targets: [Target]) -> [Target] {
  var wanted = Set(names)
  var grew = true
  while grew {
    grew = false
    for t in targets where wanted.contains(t.name) {
      for d in t.dependencies {
        switch d {
        case .byNameItem(let n, _), .targetItem(let n, _): if wanted.insert(n).inserted { grew = true }
        default: break
        }
      }
    }
  }
  return targets.filter { wanted.contains($0.name) }
}
var all = c + model + contracts + cores + adapters + assemblies + mains + unitTests
if let only = Context.environment["PNGW_ONLY"] { all = closure(of: only.split(separator: ",").map(String.init), in: all) }

let package = Package(
  name: "pngw",
  products: [],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: all
)
