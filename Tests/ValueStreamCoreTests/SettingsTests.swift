import Testing
import ValueStreamCore

@Suite("Settings")
struct SettingsTests {
  enum Colour: String, CaseIterable { case red, green }

  static let address = Setting<String>.text(
    "addr", aliases: ["a"], placeholder: "ADDRESS", default: "127.0.0.1:5000", help: "listen address")
  static let colour = Setting<Colour>.choice("colour", default: .red, help: "a colour")
  static let pause = Setting<Duration>.duration("pause-time", default: .seconds(5), text: "5s", help: "a pause")
  static let size = Setting<ByteCount>.byteCount("size", default: ByteCount(bytes: 1), text: "1", help: "a size")
  static let secret = Setting<String?>.optionalText("github-secret", placeholder: "SECRET", isSecret: true, help: "a secret")
  static let file = Setting<String?>.optionalText("config", placeholder: "FILE", help: "configuration file")
  static let service = Setting<String?>.optionalText(
    "service", otherVariables: ["OTHER_TRACES_SERVICE", "OTHER_SERVICE"], placeholder: "NAME", help: "a service")
  static let declared = [
    service.declaration, address.declaration, colour.declaration, pause.declaration, size.declaration, secret.declaration,
    file.declaration,
  ]

  static func settings(
    _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
  ) throws(SettingsError) -> Settings {
    try Settings(declared: declared, arguments: arguments, environment: environment, fileSetting: "config") { _ in
      file.map { Array($0.utf8) }
    }
  }

  @Test(
    "A flag takes one dash or two, with = or a space",
    arguments: [["-addr=:1"], ["--addr=:1"], ["-addr", ":1"], ["--addr", ":1"], ["-a", ":1"]])
  func flagForms(arguments: [String]) throws {
    #expect(try Self.settings(arguments).value(of: Self.address) == ":1")
  }

  @Test("A flag beats the environment, which beats the file, which beats the default")
  func precedence() throws {
    let file = #"{ addr: ":file", /* a comment */ "pause-time": "1h30m", }"#
    let environment = ["VS_CONFIG": "x.json5", "VS_ADDR": ":environment"]
    let all = try Self.settings(["--addr=:flag"], environment: environment, file: file)
    #expect(try all.value(of: Self.address) == ":flag")
    let two = try Self.settings(environment: environment, file: file)
    #expect(try two.value(of: Self.address) == ":environment")
    #expect(try two.value(of: Self.pause) == .seconds(5400))
    let one = try Self.settings(["--config=x.json5"], file: file)
    #expect(try one.value(of: Self.address) == ":file")
    #expect(try Self.settings().value(of: Self.address) == "127.0.0.1:5000")
  }

  @Test("Variables of other programs count in their order, after our own and before the file")
  func otherVariables() throws {
    var environment = ["VS_CONFIG": "x.json5"]
    let file = #"{service: "file"}"#
    #expect(try Self.settings(environment: environment, file: file).value(of: Self.service) == "file")
    for (name, value) in [("OTHER_SERVICE", "last"), ("OTHER_TRACES_SERVICE", "first"), ("VS_SERVICE", "own")] {
      environment[name] = value
      #expect(try Self.settings(environment: environment, file: file).value(of: Self.service) == value)
    }
    #expect(try Self.settings(["--service=flag"], environment: environment, file: file).value(of: Self.service) == "flag")
    #expect(try Self.settings(["--service=flag"]).place(of: Self.service) == .flag)
    let empty = ["VS_SERVICE": "", "OTHER_TRACES_SERVICE": "", "OTHER_SERVICE": "last"]
    #expect(try Self.settings(environment: empty).value(of: Self.service) == "last")
    #expect(HelpText.describe([Self.service.declaration]).contains("Also OTHER_TRACES_SERVICE, then OTHER_SERVICE."))
  }

  @Test("An object in the file is a common prefix")
  func nesting() throws {
    let settings = try Self.settings(["--config=x"], file: #"{"pause": {"time": "2s"}, "github": {"secret": "s"}}"#)
    #expect(try settings.value(of: Self.pause) == .seconds(2))
    #expect(try settings.value(of: Self.secret) == "s")
  }

  @Test(
    "A mistake is one line that names the place and the way out",
    arguments: [
      (["--adr=:1"], "unknown flag --adr (did you mean --addr?)"), (["--nonsense"], "unknown flag --nonsense"),
      (["--addr"], "flag --addr needs a value: --addr=ADDRESS"), (["---addr=x"], "unknown flag ---addr (did you mean --addr?)"),
      (["--github-secret=x"], "unknown flag --github-secret"),
    ])
  func flagMistakes(arguments: [String], message: String) {
    let error = #expect(throws: SettingsError.self) { try Self.settings(arguments) }
    #expect(error?.description == message)
  }

  @Test(
    "A value that does not fit is named with what was expected",
    arguments: [
      (["--colour=blue"], "flag --colour: \"blue\" is not one of red, green"),
      (["--pause-time=5"], "flag --pause-time: \"5\" is not a duration such as 500ms, 5s, 12h or 30d"),
      (["--size=1XB"], "flag --size: \"1XB\" is not a size such as 512KiB, 25MiB or 2GiB"),
    ])
  func valueMistakes(arguments: [String], message: String) throws {
    let settings = try Self.settings(arguments)
    let error = #expect(throws: SettingsError.self) {
      _ = try settings.value(of: Self.colour)
      _ = try settings.value(of: Self.pause)
      _ = try settings.value(of: Self.size)
    }
    #expect(error?.description == message)
  }

  @Test("Mistakes in the file name file and key")
  func fileMistakes() {
    let unknown = #expect(throws: SettingsError.self) { try Self.settings(["--config=c.json5"], file: #"{"adr": 1}"#) }
    #expect(unknown?.description == "c.json5, line 1: unknown key \"adr\" (did you mean addr?)")
    let value = #expect(throws: SettingsError.self) {
      try Self.settings(["--config=c.json5"], file: "{\n // why\n pause: {\n  'time': 5 } }").value(of: Self.pause)
    }
    #expect(value?.description == "c.json5, line 4: key \"pause-time\": \"5\" is not a duration such as 500ms, 5s, 12h or 30d")
    let missing = #expect(throws: SettingsError.self) { try Self.settings(["--config=c.json5"]) }
    #expect(missing?.description == "flag --config: cannot read the file c.json5: it does not exist")
  }

  @Test(
    "A broken file is told with its line",
    arguments: [
      ("{", 1, "a { is not closed"), ("", 1, "expected { at the beginning"), ("addr = :5000", 1, "expected { at the beginning"),
      ("[]", 1, "expected { at the beginning"), ("{\n  addr: ':1',\n  settle 5s\n}", 3, "expected : after the key settle"),
      ("{\n /* a\n b */ addr: ':1'\n  pause: '5s' }", 4, "expected a comma or } after the value of addr"),
      ("{ addr: :5000 }", 1, "expected a value of addr"), ("{ addr: soon }", 1, "soon is no value; a text stands in quotes"),
      ("{\n a: 'x", 2, "a text is not closed"), ("{ a: [1, 2\n 3] }", 2, "expected a comma or ] in the list of a"),
      ("{ a: [1, 2", 1, "a [ is not closed"), ("{ a: 1 }\n}", 2, "something follows the last }"),
      ("{ a: 1,\n , }", 2, "expected a key or }"),
      ("\u{FEFF}{\n a 1 }", 2, "expected : after the key a"),
    ])
  func brokenFiles(file: String, line: Int, reason: String) {
    let error = #expect(throws: SettingsError.self) { try Self.settings(["--config=c.json5"], file: file) }
    #expect(error?.description == "c.json5, line \(line): \(reason)")
  }

  @Test("Any bytes have lines, and none end the program", arguments: 0..<200 as Range<UInt64>)
  func anyFile(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let pieces = [
      "{", "}", "[", "]", ":", ",", "\"", "'", "\\", "\n", "//", "/*", "*/", " ", "a", "é", "1", "-", "true", "\u{0}",
    ]
    let text = (0..<Int.random(in: 0...60, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    _ = try? Self.settings(["--config=c.json5"], file: text)
    _ = try? Self.settings(["--config=c.json5"], file: "{ a: [" + text)
  }

  @Test(
    "Durations and sizes",
    arguments: [("500ms", 0.5), ("5s", 5), ("1h30m", 5400), ("1.5h", 5400), ("30d", 2_592_000), ("0", 0), ("250us", 0.00025)])
  func durations(text: String, seconds: Double) throws {
    let settings = try Self.settings(["--pause-time", text])
    #expect(try settings.value(of: Self.pause) == .nanoseconds(Int64(seconds * 1e9)))
  }

  @Test(
    "Sizes",
    arguments: [("25MiB", 26_214_400), ("2GiB", 2_147_483_648), ("1000", 1000), ("512kB", 512_000), ("7B", 7)]
      as [(String, Int64)])
  func sizes(text: String, bytes: Int64) throws {
    #expect(try Self.settings(["--size", text]).value(of: Self.size).bytes == bytes)
  }

  @Test("A secret does not print")
  func secretsDoNotPrint() throws {
    let secret = try #require(Secret("hunter2"))
    #expect(
      !"\(secret)\(String(reflecting: secret))\(String(describing: Mirror(reflecting: secret).children))".contains("hunter2"))
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains("hunter2"))
    #expect(Secret("") == nil)
  }

  @Test("A toggle needs no value, takes no next word, and can be taken back; a setting may have no variable")
  func toggles() throws {
    let toggle = Setting<Bool>.toggle("mix", environment: "", help: "mixes")
    func settings(_ arguments: [String]) throws(SettingsError) -> Settings {
      try Settings(declared: [toggle.declaration], arguments: arguments, environment: ["": "true", "VS_MIX": "true"])
    }
    #expect(try settings([]).value(of: toggle) == false)
    #expect(try settings(["--mix", "word"]).value(of: toggle))
    #expect(try settings(["--mix", "word"]).operands == ["word"])
    #expect(try settings(["-mix=false"]).value(of: toggle) == false)
    let error = try #require(throws: SettingsError.self) { try settings(["--mix=maybe"]).value(of: toggle) }
    #expect(error.description == #"flag --mix: "maybe" is not true or false"#)
    #expect(HelpText.describe([toggle.declaration]) == "  --mix\n      mixes\n")
  }

  @Test("A flag that is given several times has all its values, or the last where one is asked for")
  func repeated() throws {
    let tag = Setting<Int>(
      "tag", placeholder: "N", default: 0, defaultText: nil, help: ""
    ) { text throws(SettingError) in
      guard let number = Int(text) else { throw SettingError(expected: "a number") }
      return number
    }
    func settings(_ arguments: String..., variable: String? = nil) throws(SettingsError) -> Settings {
      try Settings(declared: [tag.declaration], arguments: arguments, environment: variable.map { ["VS_TAG": $0] } ?? [:])
    }
    #expect(try settings("--tag=3", "-tag", "1").values(of: tag) == [3, 1])
    #expect(try settings("--tag=3", "-tag", "1").value(of: tag) == 1)
    #expect(try settings().values(of: tag).isEmpty)
    #expect(try settings(variable: "5").values(of: tag) == [5])
    #expect(try settings("--tag=2", variable: "5").values(of: tag) == [2])
    let error = try #require(throws: SettingsError.self) { try settings("--tag=3", "--tag=x").values(of: tag) }
    #expect(error.description == #"flag --tag: "x" is not a number"#)
  }
}
