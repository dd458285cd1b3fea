import AdminProtocol
import Testing

@Suite struct OpenMetricsTests {
  @Test func aFamilyIsTypeUnitHelpAndSamples() {
    let text = OpenMetrics.text([
      .init("a_bytes", .counter, unit: "bytes", "What it is.", [.init(3, .init("kind", "x")), .init(0.5, .init("kind", "y"))]),
      .init("b", .info, "Build.", [.init(1, .init("version", "1"))]), .init("c", .gauge, "Level.", 7),
    ])
    #expect(text == """
      # TYPE a_bytes counter
      # UNIT a_bytes bytes
      # HELP a_bytes What it is.
      a_bytes_total{kind="x"} 3
      a_bytes_total{kind="y"} 0.5
      # TYPE b info
      # HELP b Build.
      b_info{version="1"} 1
      # TYPE c gauge
      # HELP c Level.
      c 7
      # EOF

      """)
  }

  @Test func aLabelCanNotBreakOut() {
    let text = OpenMetrics.text([.init("a", .gauge, "h", [.init(1, .init("x", "\"}\\\n# EOF"))])])
    #expect(text.contains(#"a{x="\"}\\\n# EOF"} 1"#) && text.split(separator: "\n").count == 4)
  }

  @Test func numbersAreWhatTheFormatKnows() {
    func value(_ number: Double) -> Substring? { OpenMetrics.text([.init("a", .gauge, "h", number)]).split(separator: "\n")[2].split(separator: " ").last }
    #expect(value(.infinity) == "+Inf" && value(-.infinity) == "-Inf" && value(.nan) == "NaN" && value(-3) == "-3" && value(1e300) == "1e+300")
  }

  @Test func whatHasNoSampleIsLeftOut() {
    #expect(OpenMetrics.text([.init("a", .gauge, "h", [])]) == "# EOF\n")
  }
}
