locals {
  databases = var.database == null ? 0 : 1
}

resource "aws_security_group" "database" {
  count       = local.databases
  name        = "${var.name}-database"
  description = "The tasks only"
  vpc_id      = local.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count                        = local.databases
  security_group_id            = aws_security_group.database[0].id
  description                  = "the tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_subnet_group" "this" {
  count      = local.databases
  name       = var.name
  subnet_ids = local.private_subnets
  tags       = local.tags
}

resource "aws_db_parameter_group" "this" {
  count  = local.databases
  name   = "${var.name}-postgres18"
  family = "postgres18"
  tags   = local.tags

  parameter {
    name         = "max_connections"
    value        = tostring(var.database.max_connections)
    apply_method = "pending-reboot"
  }

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "this" {
  count                               = local.databases
  identifier                          = var.name
  engine                              = "postgres"
  engine_version                      = "18"
  instance_class                      = var.database.class
  allocated_storage                   = var.database.storage
  max_allocated_storage               = var.database.storage * 5
  storage_type                        = "gp3"
  storage_encrypted                   = true
  db_name                             = "app"
  username                            = "app"
  manage_master_user_password         = true
  db_subnet_group_name                = aws_db_subnet_group.this[0].name
  parameter_group_name                = aws_db_parameter_group.this[0].name
  vpc_security_group_ids              = [aws_security_group.database[0].id]
  publicly_accessible                 = false
  multi_az                            = var.database.multi_az
  backup_retention_period             = var.database.backup_days
  copy_tags_to_snapshot               = true
  auto_minor_version_upgrade          = true
  deletion_protection                 = var.deletion_protection
  performance_insights_enabled        = true
  iam_database_authentication_enabled = true
  final_snapshot_identifier           = "${var.name}-final"
  tags                                = local.tags

  enabled_cloudwatch_logs_exports = ["postgresql"]
}
