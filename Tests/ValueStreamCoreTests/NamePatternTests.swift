import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Name patterns")
struct NamePatternTests {
  @Test(
    "Match whole names, in any letter case",
    arguments: [
      ("deploy", "Deploy"), ("deploy*", "deploy"), ("deploy*", "Deploy to prod"), ("*deploy", "canary-deploy"), ("*", ""),
      ("d?ploy", "dEploy"), ("a*b*c", "a-b-b-c"), ("*.yml", "release.yml"), ("**", "x"), ("", ""),
    ])
  func matches(pattern: String, name: String) {
    #expect(NamePattern(pattern).matches(name))
  }

  @Test(
    "Do not match parts of names",
    arguments: [("deploy", "deploys"), ("deploy", "redeploy"), ("d?ploy", "dploy"), ("a*b*c", "a-c-b"), ("", "x"), ("?", "")])
  func refuses(pattern: String, name: String) {
    #expect(!NamePattern(pattern).matches(name))
  }

  @Test("ASCII and other names follow the same rules")
  func encodings() {
    var random = SeededRandom(seed: 7)
    let letters: [Character] = ["a", "B", "*", "?", "-", "\r\n", "\r", "\n"]
    for _ in 0..<2000 {
      let pattern = String(
        (0..<Int.random(in: 0..<5, using: &random)).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
      let name = String(
        (0..<Int.random(in: 0..<5, using: &random)).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
      // The letter in front, which is not ASCII, changes nothing.
      #expect(NamePattern(pattern).matches(name) == NamePattern("ü" + pattern).matches("Ü" + name), "\(pattern) \(name)")
      let isSame = pattern.lowercased() == name.lowercased()
      #expect(NamePattern.literal(pattern).matches(name) == isSame, "\(pattern) \(name)")
    }
  }

  @Test("Many stars cost no more than the product of both lengths")
  func stars() {
    let name = String(repeating: "a", count: 2000)
    #expect(!NamePattern(String(repeating: "*a", count: 200) + "b").matches(name))
  }

  @Test("A setting lists them")
  func setting() throws {
    let setting = ClassificationSettings.incidentLabels
    func patterns(_ arguments: [String]) throws -> [String] {
      try Settings(declared: [setting.declaration], arguments: arguments, environment: [:]).value(of: setting).map(\.description)
    }
    #expect(try patterns([]) == ["incident"])
    #expect(try patterns(["--incident-labels", "sev*, Outage,"]) == ["sev*", "Outage"])
    #expect(try patterns(["--incident-labels", ""]) == [])
  }

  @Test("A literal pattern matches only its name, in any letter case", arguments: ["prod*", "pr?d", "Ünï", ""])
  func literal(name: String) {
    let pattern = NamePattern.literal(name)
    #expect(pattern.matches(name) && pattern.matches(name.uppercased()) && pattern.description == name)
    for other in ["prod-eu", "prod", "prxd", "\(name)x"] { #expect(!pattern.matches(other), "\(other)") }
  }
}
