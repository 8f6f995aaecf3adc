import Testing
import ValueStreamTesting

@Suite("Mistakes of whoever starts vsd")
struct MistakeTests {
  struct Mistake: CustomTestStringConvertible {
    var name: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    /// The content of the file that replaces `FILE`.
    var file: String?
    /// Texts that the one-line message must contain.
    var says: [String]

    var testDescription: String { name }
  }

  static let mistakes = [
    Mistake(name: "a misspelt flag", arguments: ["--tracr=mock"], says: ["unknown flag --tracr", "did you mean --tracer?"]),
    Mistake(name: "an unknown flag", arguments: ["-zzzzzzzz"], says: ["unknown flag -zzzzzzzz"]),
    Mistake(name: "three dashes", arguments: ["---tracer=mock"], says: ["unknown flag ---tracer"]),
    Mistake(name: "a flag without value", arguments: ["--store"], says: ["--store needs a value"]),
    Mistake(name: "an operand", arguments: ["start"], says: [#"unexpected argument "start""#]),
    Mistake(name: "a secret as flag", arguments: ["--github-secret=hunter2"], says: ["unknown flag --github-secret"]),
    Mistake(name: "an address without port", arguments: ["--addr=localhost"], says: ["--addr", "localhost", "127.0.0.1:5000"]),
    Mistake(name: "a port that is too large", arguments: ["--addr=:65536"], says: ["--addr", ":65536", "127.0.0.1:5000"]),
    Mistake(name: "an address in the environment", environment: ["VS_ADDR": "here"], says: ["VS_ADDR", #""here""#]),
    Mistake(name: "a bad admin address", arguments: ["--admin-addr=x"], says: ["--admin-addr", #""x""#]),
    Mistake(name: "an unknown tracer", arguments: ["-tracer=zipkn"], says: ["zipkn", "known are", "logging", "mock", "none"]),
    Mistake(
      name: "an unknown tracer in the environment", environment: ["VS_TRACER_BACKEND": "logging,nope"],
      says: ["VS_TRACER_BACKEND", "known are"]),
    Mistake(
      name: "a receiver that is no URL", arguments: ["-t=otlp", "--otlp-endpoint=localhost:4318"],
      says: ["--otlp-endpoint", "localhost:4318", "http://localhost:4318"]),
    Mistake(
      name: "a protocol that is not spoken", arguments: ["-t=otlp"], environment: ["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"],
      says: ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf, http/json"]),
    Mistake(name: "Lightstep without a token", arguments: ["-t=lightstep"], says: ["lightstep", "VS_TRACER_ACCESS_TOKEN"]),
    Mistake(
      name: "an agent at a socket", arguments: ["-t=datadog"], environment: ["DD_TRACE_AGENT_URL": "unix:///var/run/apm.socket"],
      says: ["DD_TRACE_AGENT_URL", "unix:///var/run/apm.socket", "http://localhost:8126"]),
    Mistake(
      name: "a service name of an unknown source", arguments: ["--service-names=githb=code"],
      says: ["--service-names", #""githb" is not a source"#, "github, gitlab"]),
    Mistake(
      name: "headers that are none", arguments: ["-t=logging,otlp"], environment: ["OTEL_EXPORTER_OTLP_HEADERS": "hunter2"],
      says: ["OTEL_EXPORTER_OTLP_HEADERS", "headers"]),
    Mistake(
      name: "a header with a line break", arguments: ["-t=otlp"], environment: ["VS_OTLP_HEADERS": "a=hunter2%0Ab"],
      says: ["VS_OTLP_HEADERS", "control characters"]),
    Mistake(
      name: "resource attributes that are none", arguments: ["-t=otlp"], environment: ["OTEL_RESOURCE_ATTRIBUTES": "team"],
      says: ["OTEL_RESOURCE_ATTRIBUTES", #""team""#]),
    Mistake(
      name: "an authority that is not there", arguments: ["-t=otlp", "--otlp-certificate=/nowhere/ca.pem"],
      says: ["--otlp-certificate", "/nowhere/ca.pem"]),
    Mistake(name: "a style of phases", arguments: ["--phases=none"], says: ["--phases", "events, spans"]),
    Mistake(name: "none beside another", arguments: ["-t=none,logging"], says: ["--tracer", "none"]),
    Mistake(name: "mock with a store on disk", arguments: ["-t=mock", "--store=/tmp/x"], says: ["mock", "--store=memory"]),
    Mistake(name: "a store without name", arguments: ["--store="], says: ["--store", "directory"]),
    Mistake(name: "an unknown kind of store", arguments: ["--store=mysql://x"], says: ["--store", "directory"]),
    Mistake(name: "a size", arguments: ["--max-body=much"], says: ["--max-body", #""much""#, "25MiB"]),
    Mistake(name: "a negative size", arguments: ["--max-body=-1"], says: ["--max-body", #""-1""#]),
    Mistake(name: "a duration", arguments: ["--settle=soon"], says: ["--settle", #""soon""#, "5s"]),
    Mistake(name: "a number", arguments: ["--metric-series-limit=0"], says: ["--metric-series-limit", #""0""#]),
    Mistake(name: "no size", arguments: ["--metric-size=0"], says: ["--metric-size", #""0""#]),
    Mistake(name: "a choice", arguments: ["--attributes=none"], says: ["both", "semconv", "classic"]),
    Mistake(
      name: "a log level", environment: ["VS_LOG_LEVEL": "loud"], says: ["VS_LOG_LEVEL", "loud", "debug, info, warn, error"]),
    Mistake(name: "an empty secret", environment: ["VS_GITHUB_SECRET": ""], says: ["VS_GITHUB_SECRET", "empty"]),
    Mistake(
      name: "an empty secret among others", environment: ["VS_CUSTOMHTTP_SECRET": "hunter2,"],
      says: ["VS_CUSTOMHTTP_SECRET", "empty"]),
    Mistake(name: "an empty secret file", environment: ["VS_GITHUB_SECRET_FILE": "FILE"], file: "", says: ["empty"]),
    Mistake(
      name: "a secret file with an empty line only", arguments: ["--customhttp-secret-file=FILE"], file: "\n", says: ["empty"]),
    Mistake(
      name: "a secret file that is not there", environment: ["VS_GITHUB_SECRET_FILE": "/nowhere/secret"],
      says: ["VS_GITHUB_SECRET_FILE", "/nowhere/secret"]),
    Mistake(
      name: "a secret and a secret file", environment: ["VS_GITHUB_SECRET": "hunter2", "VS_GITHUB_SECRET_FILE": "FILE"],
      file: "hunter2", says: ["VS_GITHUB_SECRET and VS_GITHUB_SECRET_FILE"]),
    Mistake(
      name: "Trello's secret without the address that is signed along", environment: ["VS_TRELLO_SECRET": "hunter2"],
      says: ["trello-secret", "VS_TRELLO_CALLBACK_URL"]),
    Mistake(
      name: "a callback that is no address", arguments: ["--trello-callback-url=/trello"],
      says: ["--trello-callback-url", "https://vs.example.org/trello"]),
    Mistake(name: "an empty read token", arguments: ["--read-token="], says: ["read-token", "empty"]),
    Mistake(name: "an empty read token in the environment", environment: ["VS_READ_TOKEN": ""], says: ["read-token", "empty"]),
    Mistake(name: "a configuration that is not there", arguments: ["--config=/nowhere/vsd.json5"], says: ["/nowhere/vsd.json5"]),
    Mistake(name: "a configuration that is a directory", environment: ["VS_CONFIG": "/"], says: ["VS_CONFIG", "/"]),
    Mistake(
      name: "a configuration that is not JSON", arguments: ["--config=FILE"], file: "addr = :5000",
      says: ["line 1: expected { at the beginning"]),
    Mistake(
      name: "a configuration that is no object", arguments: ["--config=FILE"], file: "[]",
      says: ["line 1: expected { at the beginning"]),
    Mistake(
      name: "an unknown key", arguments: ["--config=FILE"], file: #"{"maxbody": 1, "read": {"tokn": "hunter2"}}"#,
      says: [#"unknown key "maxbody""#, "max-body"]),
    Mistake(
      name: "a key that holds nothing", arguments: ["--config=FILE"], file: #"{"addr": null}"#, says: [#"key "addr""#]),
    Mistake(
      name: "a value in the file", arguments: ["--config=FILE"], file: #"{admin: {addr: "here"}}"#,
      says: [#"key "admin-addr""#, #""here""#]),
  ]

  @Test("are one clear line and exit code 64", arguments: mistakes)
  func mistake(_ mistake: Mistake) throws {
    let home = try VSDProcess.Home()
    let file = try home.write("file", mistake.file ?? "")
    let (exit, output, errors) = try VSDProcess.run(
      mistake.arguments.map { $0.replacing("FILE", with: file) },
      environment: mistake.environment.mapValues { $0 == "FILE" ? file : $0 }, in: home)
    #expect(exit == .code(64))
    #expect(output == "")
    #expect(errors.hasPrefix("vsd: "))
    #expect(errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "\(errors)")
    for text in mistake.says { #expect(errors.contains(text), "\(errors)") }
    #expect(!errors.contains("hunter2"))
  }

  @Test("an address somebody listens on: exit code 69, and the address is named")
  func addressInUse() throws {
    let first = try VSDProcess(["--tracer=mock"])
    let address = "127.0.0.1:\(first.ports[0])"
    let (exit, _, errors) = try VSDProcess.run(["--tracer=mock", "--addr", address])
    #expect(exit == .code(69))
    #expect(errors == "vsd: cannot listen on \(address): another program listens there\n")
    #expect(try first.get("/healthz").status == 200)
  }

  @Test("a store another vsd uses: exit code 74, and the directory is named")
  func storeInUse() throws {
    let first = try VSDProcess()
    let (exit, _, errors) = try VSDProcess.run([], in: first.home)
    #expect(exit == .code(74))
    #expect(errors.hasPrefix("vsd: \(first.home.store): in use by another process"))
    #expect(errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
    #expect(try first.postGitHub("issues", Payloads.issue("opened", number: 1)) == "200 success")
  }

  @Test("a store that cannot be a directory: exit code 74")
  func storeIsAFile() throws {
    let home = try VSDProcess.Home()
    let file = try home.write("store", "")
    let (exit, _, errors) = try VSDProcess.run(["--store", file], in: home)
    #expect(exit == .code(74))
    #expect(errors.contains(file))
  }

  @Test("A variable that is none of vsd's, and a delivery that is not understood, are in the log")
  func logged() throws {
    let vsd = try VSDProcess(environment: ["VS_GITHUB_SECRETS": "hunter2"])
    #expect(try HTTPConnection(port: vsd.ports[0]).request("POST", "/customhttp", body: #"{"id": 1}"#).status == 422)
    #expect(try vsd.stop() == .code(0))
    let lines = try vsd.logLines().filter { line in
      line["level"]?.text == "warn" && line["msg"]?.text?.contains("has no secret") == false
    }
    #expect(
      lines.compactMap { $0["msg"]?.text } == [
        "the variable VS_GITHUB_SECRETS is not a setting of vsd; is VS_GITHUB_SECRET meant?",
        "delivery recorded, but not understood: expected a text that is not empty",
      ])
    #expect(lines.last?["path"]?.text == "$.type")
    #expect(lines.last?["source"]?.text == "customhttp")
  }
}
