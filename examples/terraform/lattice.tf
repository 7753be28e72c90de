# One rule of VPC Lattice whose weights belong to releases: docs/meanwhile.md.
resource "aws_vpclattice_listener_rule" "checkout" {
  name                = "checkout"
  service_identifier  = var.service
  listener_identifier = var.listener
  priority            = 10

  match {
    http_match {
      path_match {
        match {
          prefix = "/"
        }
      }
    }
  }

  action {
    forward {
      target_groups {
        target_group_identifier = var.primary_target_group
        weight                  = 100
      }
      target_groups {
        target_group_identifier = var.canary_target_group
        weight                  = 0
      }
    }
  }

  lifecycle {
    ignore_changes = [action]
  }
}
