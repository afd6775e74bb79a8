"""A provider that has the AWS provider's schema and nothing behind it: enough for `terraform validate`, and for `terraform test` where a
mocked provider makes up what AWS would answer. Terraform finds it by TF_REATTACH_PROVIDERS."""

import json
import os
import tempfile
from concurrent import futures
from pathlib import Path

import grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

NAME = "registry.terraform.io/hashicorp/aws"
FROZEN = Path(__file__).with_name("aws_provider_schema.json")
MODES = {
    "single": pb.Schema.NestedBlock.SINGLE,
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
    "map": pb.Schema.NestedBlock.MAP,
}
# What our module and its examples configure of the provider.
CONFIGURATION = {
    "attributes": {"region": ["string", "o"]},
    "blocks": {
        "default_tags": {"mode": "list", "min": 0, "max": 1, "block": {"attributes": {"tags": [["map", "string"], "o"]}, "blocks": {}}}
    },
}


def attribute(name, kind, flags):
    return pb.Schema.Attribute(
        name=name, type=json.dumps(kind).encode(), required="r" in flags, optional="o" in flags, computed="c" in flags
    )


def nested(name, form):
    counts = {} if form["mode"] == "single" else {"min_items": form["min"], "max_items": form["max"]}
    return pb.Schema.NestedBlock(type_name=name, nesting=MODES[form["mode"]], block=block(form["block"]), **counts)


def block(form):
    attributes = [attribute(name, kind, flags) for name, (kind, flags) in form["attributes"].items()]
    return pb.Schema.Block(attributes=attributes, block_types=[nested(name, inner) for name, inner in form["blocks"].items()])


def schemas(forms):
    return {name: pb.Schema(version=0, block=block(form)) for name, form in forms.items()}


class Schemas(rpc.ProviderServicer):
    """Answers what is asked before anything is created; whoever asks for more is told that it is not implemented."""

    def __init__(self, frozen):
        self.answer = pb.GetProviderSchema.Response(
            provider=pb.Schema(version=0, block=block(CONFIGURATION)),
            resource_schemas=schemas(frozen["resource"]),
            data_source_schemas=schemas(frozen["data"]),
            server_capabilities=pb.ServerCapabilities(get_provider_schema_optional=True),
        )

    def GetProviderSchema(self, request, context):
        return self.answer

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request, context):
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()


class RunningProvider:
    """The provider on a socket of its own; `environment` is what Terraform has to be given."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        socket = f"{self.folder.name}/provider.sock"
        # A schema is larger than gRPC's usual messages.
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.max_send_message_length", 256 << 20)])
        rpc.add_ProviderServicer_to_server(Schemas(json.loads(FROZEN.read_text())), self.server)
        self.server.add_insecure_port(f"unix:{socket}")
        self.server.start()
        address = {"Network": "unix", "String": socket}
        reattach = {NAME: {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}}
        self.environment = {"TF_REATTACH_PROVIDERS": json.dumps(reattach)}

    def end(self):
        self.server.stop(grace=0).wait()
        self.folder.cleanup()
