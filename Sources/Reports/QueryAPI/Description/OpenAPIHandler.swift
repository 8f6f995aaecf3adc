package import ValueStreamCore

/// Answers `GET /api/v1/openapi.json` with the OpenAPI description (version 3.1) of everything below `/api/v1`.
package struct OpenAPIHandler: HTTPHandler {
  package static let path = "/api/v1/openapi.json"

  private let description: [UInt8]

  package init() {
    description = Self.description()
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    .json(description)
  }

  private static func description() -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("openapi", "3.1.0")
      json.name("info")
      json.object { json in
        json.member("title", "ValueStream")
        json.member("version", ValueStreamVersion.current)
        json.member("description", "Spans, traces and delivery reports of a vsd.")
      }
      json.name("paths")
      json.object { json in
        for operation in APIOperation.all {
          json.name(operation.path)
          operation.write(to: &json)
        }
      }
      json.name("components")
      json.object { json in
        json.name("schemas")
        json.object { json in
          for (name, schema) in APISchemas.named {
            json.name(name)
            schema.write(to: &json)
          }
        }
        json.name("securitySchemes")
        json.object { json in
          json.name("readToken")
          json.object { json in
            json.member("type", "http")
            json.member("scheme", "bearer")
            json.member("description", "The value of --read-token. Loopback listeners without one need none.")
          }
        }
      }
      json.name("security")
      json.array([true, false]) { json, needsToken in
        json.object { json in
          guard needsToken else { return }
          json.name("readToken")
          json.array([String]()) { $0.value($1) }
        }
      }
    }
    return json.bytes
  }
}
