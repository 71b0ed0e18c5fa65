"""The Open Inference Protocol over gRPC. `oip_pb2` is made from `oip.proto` by `make docs`: change it there."""
