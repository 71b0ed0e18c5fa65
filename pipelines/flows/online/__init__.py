"""What a request does: the batch's own objects, resident, with admission in a process of its own beside."""
