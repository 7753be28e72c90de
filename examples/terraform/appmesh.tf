# One App Mesh route whose weights belong to releases: docs/meanwhile.md.
resource "aws_appmesh_route" "checkout" {
  name                = "checkout"
  mesh_name           = var.mesh
  virtual_router_name = var.router

  spec {
    http_route {
      match {
        prefix = "/"
      }
      action {
        weighted_target {
          virtual_node = var.primary_node
          weight       = 100
        }
        weighted_target {
          virtual_node = var.canary_node
          weight       = 0
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [spec[0].http_route[0].action[0].weighted_target]
  }
}
