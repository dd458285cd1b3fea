/// Whether pngwd runs and answers.
package enum GatewayRule {
  package enum Answer: Sendable, Hashable {
    case answers
    /// There is no socket, or nobody at its other end.
    case absent(String)
    /// It takes the connection and says nothing.
    case silent(seconds: Int)
    case refused(String)
  }

  package static func finding(_ answer: Answer, socket: String) -> Finding? {
    switch answer {
    case .answers, .refused: nil
    case .absent(let why): Finding(.gatewayDown, evidence: "\(socket): \(why)", remedy: "run: systemctl start pngwd")
    case .silent(let seconds):
      Finding(.gatewaySilent, evidence: "\(socket) takes connections and does not answer within \(seconds) s", remedy: "run: systemctl restart pngwd")
    }
  }
}
