import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Several tracers at once")
struct SeveralTracersTests {
  /// The span ids that a Zipkin backend received, in order.
  private static func zipkinIDs(_ receiver: LoopbackReceiver) throws -> [String] {
    try receiver.requests.flatMap { request in
      try JSON(parsing: String(decoding: request.body, as: UTF8.self)).list.compactMap { $0["id"]?.text }
    }
  }

  private static func otlpIDs(_ receiver: LoopbackReceiver) throws -> [String] {
    try receiver.requests.flatMap { request in
      let resources = try JSON(parsing: String(decoding: request.body, as: UTF8.self))["resourceSpans"]?.list ?? []
      return resources.flatMap { $0["scopeSpans"]?.list ?? [] }.flatMap { $0["spans"]?.list ?? [] }
        .compactMap { $0["spanId"]?.text }
    }
  }

  @Test("each gets every span at its own pace, over kill -9 while they export; one that is away holds up none")
  func kills() throws {
    let home = try VSDProcess.Home()
    let otlp = try LoopbackReceiver([.status(200)])
    // This backend is slow and unavailable now and then.
    let zipkin = try LoopbackReceiver { number, _ in
      number % 5 == 3 ? .status(503) : .slowly(.init(status: 202))
    }
    let datadog = try ReservedPort()
    let arguments = [
      "--tracer=otlp,zipkin,datadog", "--settle=0s", "--otlp-protocol=http/json", "--otlp-compression=none",
      "--otlp-endpoint=\(otlp.url)", "--zipkin-endpoint=\(zipkin.url)/api/v2/spans", "--datadog-agent-port=\(datadog.number)",
      "--datadog-agent-host=127.0.0.1", "--service-names=customhttp=scripts",
    ]
    let environment = ["http_proxy": "", "no_proxy": "*"]
    let count = 300
    var vsd = try VSDProcess(arguments, environment: environment, in: home)
    for number in 0..<count {
      for action in ["start", "end"] { #expect(try vsd.postCustom(Payloads.custom(action, "\(number)")) == "200 success") }
      guard number % 75 == 74 else { continue }
      vsd.send(SIGKILL)
      try vsd.waitForExit()
      vsd = try VSDProcess(arguments, environment: environment, in: home)
    }
    let stats = try vsd.wait(for: "the end of all spans") {
      let exporters = try vsd.json("/api/v1/stats")["exporters"]
      return exporters?["otlp"]?["pending"] == 0 && exporters?["zipkin"]?["pending"] == 0 ? exporters : nil
    }
    let done: JSON = ["pending": 0, "sent": .number(Double(count)), "refused": 0, "dropped": 0]
    #expect(
      stats == [
        "otlp": done, "zipkin": done, "datadog": ["pending": .number(Double(count)), "sent": 0, "refused": 0, "dropped": 0],
      ])
    let expected = try (vsd.json("/api/v1/spans?limit=1000")["spans"]?.list ?? []).compactMap { $0["spanID"]?.text }
    #expect(expected.count == count)
    // A kill may cause repeated exports. Without repetitions, the order is the same for all backends.
    let orders = try [Self.otlpIDs(otlp), Self.zipkinIDs(zipkin)].map { ids in
      var seen: Set<String> = []
      return ids.filter { seen.insert($0).inserted }
    }
    #expect(Set(orders[0]) == Set(expected))
    let isSame = orders[0] == orders[1]
    #expect(isSame)
    let body = try JSON(parsing: String(decoding: #require(zipkin.requests.first).body, as: UTF8.self))
    #expect(body.list.first?["localEndpoint"]?["serviceName"] == "scripts")

    let metrics = try vsd.get("/metrics").body
    #expect(metrics.contains(#"valuestream_export_pending_spans{exporter="datadog"} \#(count)"#))
    #expect(metrics.contains(#"valuestream_export_lag_seconds{exporter="otlp"} 0"#))
    let lag = metrics.firstMatch(of: /valuestream_export_lag_seconds\{exporter="datadog"\} ([0-9.e-]+)/)?.output.1
    #expect(lag.flatMap { Double($0) }.map { $0 > 0 } == true)
    #expect(try vsd.stop() == .code(0))
  }

  @Test("what a receiver refuses is set aside, with the reason, where people can see it")
  func rejections() throws {
    let zipkin = try LoopbackReceiver { _, request in
      String(decoding: request.body, as: UTF8.self).contains(#""valuestream.name":"shop/2""#)
        ? .status(400, [:], "no twos") : .status(202)
    }
    let arguments = ["--tracer=zipkin", "--settle=0s", "--zipkin-endpoint=\(zipkin.url)/api/v2/spans"]
    let vsd = try VSDProcess(arguments, environment: ["http_proxy": "", "no_proxy": "*"])
    for number in 1...3 {
      for action in ["start", "end"] { try vsd.postCustom(Payloads.custom(action, "\(number)")) }
    }
    try vsd.wait(for: "the end of all spans") {
      try vsd.json("/api/v1/stats")["exporters"] == ["zipkin": ["pending": 0, "sent": 2, "refused": 1, "dropped": 0]] ? true : nil
    }
    let rejections = try vsd.json("/api/v1/refusals?exporter=zipkin")["refusals"]?.list ?? []
    #expect(rejections.count == 1)
    #expect(rejections.first?["reason"] == .text("POST \(zipkin.url)/api/v2/spans: 400 no twos"))
    #expect(rejections.first?["spans"]?.list.map { $0["key"]?.text } == ["customhttp::shop:deploy:2"])
    #expect(try vsd.logLines().contains { $0["msg"]?.text?.contains("400 no twos") == true })
    #expect(try vsd.get("/metrics").body.contains(#"valuestream_export_spans{exporter="zipkin",result="refused"} 1"#))
  }

  @Test("Jaeger's old client is understood, and told at start what is gone")
  func jaeger() throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let home = try VSDProcess.Home()
    let variables = ["http_proxy": "", "no_proxy": "*", "JAEGER_AGENT_HOST": "jaeger.invalid", "JAEGER_AGENT_PORT": "6831"]
    let old = try VSDProcess(["--tracer=jaeger", "--settle=0s"], environment: variables, in: home)
    let notices = try old.logLines().compactMap { $0["msg"]?.text }.filter { $0.contains("JAEGER_AGENT_HOST") }
    #expect(notices.count == 1)
    #expect(notices.first?.contains("http://jaeger.invalid:4318/v1/traces; set VS_JAEGER_ENDPOINT") == true, "\(notices)")
    for action in ["start", "end"] { try old.postCustom(Payloads.custom(action, "1")) }
    try old.stop()
    let new = try VSDProcess(
      ["--tracer=jaeger", "--settle=0s", "--jaeger-endpoint=\(receiver.url)"], environment: variables, in: home)
    try new.wait(for: "the span") { receiver.requests.isEmpty ? nil : true }
    #expect(receiver.requests.first?.target == "/v1/traces")
    #expect(try !new.logLines().contains { $0["msg"]?.text?.contains("Thrift") == true })
  }

  @Test("Lightstep gets its token")
  func lightstep() throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let vsd = try VSDProcess(
      ["-t", "lightstep", "--settle=0s", "--lightstep-endpoint=\(receiver.url)"],
      environment: ["http_proxy": "", "no_proxy": "*", "VS_TRACER_ACCESS_TOKEN": "hunter2"])
    for action in ["start", "end"] { try vsd.postCustom(Payloads.custom(action, "1")) }
    try vsd.wait(for: "the span") { receiver.requests.isEmpty ? nil : true }
    #expect(receiver.requests.first?.headers["lightstep-access-token"] == "hunter2")
    #expect(!vsd.printed.contains("hunter2"))
  }
}
